"""The task as files: reading, inferring, profiling, splitting, laying out inputs."""
