"""Who thinks and acts: researcher, coder, runner, critic, recorder, reviewer, and what makes the result."""
