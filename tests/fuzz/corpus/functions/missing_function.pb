

xPlaceholder*
dtype0
	
yFxk
i

F
a
bC
gPartitionedCalla*
Tin
2*
Tout
2*
fR
Gone"
b
g:output:0