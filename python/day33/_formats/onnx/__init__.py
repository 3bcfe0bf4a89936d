"""Models as ONNX files: the ops that layers write, written as nodes of an ONNX graph instead of a plan."""
