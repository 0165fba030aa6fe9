

xPlaceholder*
dtype0
	
yFxL
J

F
a
b
negNega*
T0"
bneg:y:0*
	_noinline(