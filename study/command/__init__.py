"""The command line: what can be written on it, and a function for each command.

It may import every other package of `study`, but only when a command needs it, so that `ganstudy check` starts neither
Ray nor MLflow. Start reading at `cli.parser`, then `study.run`, the command that everything else serves.
"""
