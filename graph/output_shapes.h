// Writes into a graph what shapes its tensors have, as TensorFlow does when it exports one with shapes.
#ifndef CRYOGRAPH_GRAPH_OUTPUT_SHAPES_H_
#define CRYOGRAPH_GRAPH_OUTPUT_SHAPES_H_

#include "graph/model.h"

namespace cryograph {

// Gives every node of the main graph that has outputs the attribute _output_shapes: a shape for each output,
// inferred, of unknown rank where nothing is known. A shape that stood there stays where inference knows
// less. Nodes of unknown ops stay as they are, as do functions. Returns how many nodes have the attribute
// now.
int SetOutputShapes(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_OUTPUT_SHAPES_H_
