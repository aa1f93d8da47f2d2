"""The command line: what can be written on it, and a function for each command.

It prints, exits and asks the other rooms for the rest, all of which it may import, late, so that `ganstudy check`
starts neither Ray nor MLflow. Start reading at `cli.parser`, then `study.run`, the command that everything else serves.
"""
