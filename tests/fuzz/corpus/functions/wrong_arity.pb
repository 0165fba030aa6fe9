

xPlaceholder*
dtype0
@
yPartitionedCallx*
Tin
2*
Tout
2*

fR
FG
E

F
a
b
c
addAddV2ab*
T0"
cadd:z:0