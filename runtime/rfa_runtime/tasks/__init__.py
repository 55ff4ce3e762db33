"""What a user holds: a Decoder, a Translator, a Classifier, and how good they are."""
