"""How fast it is, beside others.

Not here: anything that the tests or the product need.
"""
