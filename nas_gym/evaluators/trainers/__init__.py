"""HOW IS A CHILD TRAINED? In PyTorch on any device, or in a compiled kernel; where, is a pool's business."""
