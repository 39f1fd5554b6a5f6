"""What starts and stops workers. It never talks to them: they take their work from the queue."""
