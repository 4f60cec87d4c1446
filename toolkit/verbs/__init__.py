"""What the toolkit does, as functions: each verb of the command `supernet` is one, and the command only shows results.

They take what the command's options take, return plain records, and raise `InputError` with all problems found. Nothing
of a run changes before the input is known to be good. `progress(what, done, total)` and `note(text)` say how it goes.
"""
