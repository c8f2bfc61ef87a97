"""The load benchmark's harness. Standard library only."""
