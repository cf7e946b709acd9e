"""Model packages: the card, the registry, the built-in models.

A *model* is weights with a description: a folder with a BioImage.IO ``rdf.yaml``.
"""
