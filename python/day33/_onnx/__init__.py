"""ONNX files as models: what their nodes compute, as layers and functions of `day33.ops`.

`_formats/onnx/` writes such files, and has the parser that this room reads through.
"""
