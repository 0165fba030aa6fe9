

xPlaceholder*
dtype0
	
yFxX
*

F
a
b	
gGa"

bg:b:0
*

G
a
b	
fFa"

bf:b:0