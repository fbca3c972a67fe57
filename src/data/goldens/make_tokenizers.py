"""Trains small tokenizers with the Hugging Face library and encodes sentences. Run in this folder: python make_tokenizers.py"""

import json

import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

corpus = [
    "The quick brown fox jumps over the lazy dog.",
    "A model that generalizes is a model that was regularized.",
    "Dropout, weight decay and early stopping; each has its place!",
    "Caf\u00e9s in Z\u00fcrich cost 4.50 francs, don't they?",
] * 5
sentences = corpus[:4] + ["Unseen words: quantization \u2603 foxes", "", "  spaces   between  "]

wordpiece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
wordpiece.normalizer = normalizers.BertNormalizer(lowercase=True)
wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
wordpiece.train_from_iterator(
    corpus, trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
)
wordpiece.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)

bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bpe.decoder = decoders.ByteLevel()
bpe.train_from_iterator(
    corpus,
    trainers.BpeTrainer(
        vocab_size=330, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    ),
)

expected = {"tokenizers": tokenizers.__version__, "sentences": sentences}
for name, tokenizer in [("wordpiece", wordpiece), ("bpe", bpe)]:
    tokenizer.save(f"{name}.tokenizer.json", pretty=False)
    expected[name] = {"size": tokenizer.get_vocab_size(), "ids": [tokenizer.encode(s).ids for s in sentences]}
with open("tokenizers.json", "w") as f:
    json.dump(expected, f)
