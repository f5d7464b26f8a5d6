"""What `course.py` does; all but the builder needs Python's standard library alone."""
