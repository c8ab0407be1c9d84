"""What a training step costs on the machine at hand, and what it cost on those of the records.

``kernels`` times, ``recorded`` reads what ships with the package, ``plots`` draws both. Nothing is
imported here: ``import lstmreg_utils`` stays light.
"""
