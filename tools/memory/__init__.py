"""The success memory: embeddings and the momentum kernel."""
