"""The commands, in the order in which `vggstudy --help` lists them.  None loads torch before it runs."""

COMMANDS = ("configs", "train", "recipe", "runs", "curves", "study", "evaluate", "ladder", "fuse", "doctor", "bench")
