"""Texts of different lengths as a PackedSequence, in code that was written for `nn.LSTM`.

`RegularizedLSTM` stands where `nn.LSTM` stood; embedding, packing and head are untouched.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_sequence

from labcode.data import text
from labcode.lstm import RegularizedLSTM


class Classifier(nn.Module):
    """Names the language of a text from its last state."""

    def __init__(self, tokens, classes, size=32):
        super().__init__()
        self.embedding = nn.Embedding(tokens, size)
        self.lstm = RegularizedLSTM(size, size, recurrent_dropout=0.2)  # was: nn.LSTM(size, size)
        self.head = nn.Linear(size, classes)

    def forward(self, texts):
        packed = pack_sequence([self.embedding(one) for one in texts], enforce_sorted=False)
        _, (h_n, _) = self.lstm(packed)
        return self.head(h_n[-1])


def tensors(split):
    rows = zip(torch.from_numpy(split.x.copy()), torch.from_numpy(split.padding_mask.copy()), strict=True)
    return [x[mask] for x, mask in rows], torch.from_numpy(split.y.copy())


def main(epochs=3, batch_size=32, seed=0):
    data = text.load()
    torch.manual_seed(seed)
    model = Classifier(len(data.vocabulary), len(data.classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    texts, labels = tensors(data.train)
    for _ in range(epochs):
        for batch in torch.randperm(len(texts)).split(batch_size):
            loss = cross_entropy(model([texts[i] for i in batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    texts, labels = tensors(data.validation)
    with torch.no_grad():
        right = (model(texts).argmax(dim=1) == labels).double().mean().item()
    print(f"{right:.1%} of {len(labels)} texts have the right label")
    return right, 1 / len(data.classes)


if __name__ == "__main__":
    main()
