"""How the descent goes: which step comes next, what is remembered, what is accepted, what is handed over."""
