

xPlaceholder*
dtype0

f1Outerx*
T0

yNegf1*
T0Ì
ê
"
Outer
a"T
b"T"	
Ttype
twiceInneraa*
TJT
unusedNega*
TJT!
sqSquare	twice:s:0*
TJT"
bsq:y:0
X
*
Inner
p"T
q"T
s"T"	
Ttype
addAddV2pq*
TJT"
sadd:z:0