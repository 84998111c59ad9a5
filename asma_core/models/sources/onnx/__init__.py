"""Networks that are ONNX files: outputs of onnxruntime, in a process of their own."""
