

xPlaceholder*
dtype0
M
callPartitionedCallx*
Tin
2*
Tout
2*
fR

NegAndSize

absAbscall*
T0”
‘
&

NegAndSize
a
neg
size
NegNega*
T0(
SizeSizea*
T0*
out_type0"
negNeg:y:0"
sizeSize:output:0