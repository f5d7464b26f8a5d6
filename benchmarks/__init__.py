"""How fast a regularized LSTM is: side by side with `torch.nn.LSTM`, Keras and TensorFlow, in one run."""
