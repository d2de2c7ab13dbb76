"""Dead-letter queues of SQS: look without taking, export, move back, delete."""
