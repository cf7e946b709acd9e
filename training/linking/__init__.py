"""The recipe of the networks that weigh links: from synthetic movies to ``linking.npz``."""
