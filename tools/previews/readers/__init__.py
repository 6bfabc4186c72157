"""Readers of files by kind. They run in a sandbox, packed by themselves: they import no other package of ours, and
libraries only through `seen.library`, as the environment of programs may lack them."""
