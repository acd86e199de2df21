"""`diglot doctor`: is this installation sound, and if not, what is to be done?

It is called where diglot cannot be imported, so it imports nothing of diglot but itself, nothing of
others but rich (if that is there), and loads nothing into its own process that could end it: each
module is loaded in a child (`probe.py`), and a crash there is an answer. `examine.py` lists what is
looked at; each file beside it looks at one thing.
"""
