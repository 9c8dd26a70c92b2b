"""The program xai-features: how the activations of models' last feature maps are spread over their channels."""
