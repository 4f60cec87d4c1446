"""Files of the outside world: submissions, part files, other checkpoint layouts."""
