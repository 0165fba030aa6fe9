

xPlaceholder*
dtype0
	
yFxŒ
9

F
a
b	
gGa
hGg:b:0"

bh:b:0
O

G
a
b
fNega*
T0
gNegf:y:0*
T0"

bg:y:0