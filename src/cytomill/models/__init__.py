"""Model packages: descriptions, the store of installed models, the built-in models.

A *model* is weights with a description: a folder or zip with a BioImage.IO ``rdf.yaml``, or a bare
ONNX or TorchScript file with a small *card*. A *description* says what a package holds; the *card*
of a built-in model adds what its pipeline must know.
"""
