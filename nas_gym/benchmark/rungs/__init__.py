"""Which fidelity tells networks apart?"""
