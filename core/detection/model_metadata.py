"""The normalisation that a TensorFlow Lite image model expects, written into the model.

MediaPipe's Tasks read it from the model's metadata buffer (`TFLITE_METADATA`); the models in its wheel were made
for the older graphs, which have it in their code. MediaPipe's own metadata writer needs compiled parts that
version 1 no longer ships, so the buffer is made from the generated schema, which every version has.
"""

from __future__ import annotations

import flatbuffers
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
from mediapipe.tasks.metadata import schema_py_generated as model_schema

_BUFFER_NAME = "TFLITE_METADATA"
_MODEL_IDENTIFIER = b"TFL3"
_METADATA_IDENTIFIER = b"M001"


def with_image_metadata(model: bytes, mean: float, std: float) -> bytes:
    """The model, saying that its only input is an RGB image whose values v (0 to 255) enter as (v - mean) / std."""
    parsed = model_schema.ModelT.InitFromPackedBuf(model, 0)
    described = model_schema.BufferT()
    described.data = _image_metadata(mean, std, outputs=len(parsed.subgraphs[0].outputs))
    entry = model_schema.MetadataT()
    entry.name = _BUFFER_NAME
    entry.buffer = len(parsed.buffers)
    parsed.buffers.append(described)
    parsed.metadata = [*(parsed.metadata or []), entry]
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(parsed.Pack(builder), _MODEL_IDENTIFIER)
    return bytes(builder.Output())


def _image_metadata(mean: float, std: float, outputs: int) -> bytes:
    normalisation = metadata_schema.NormalizationOptionsT()
    normalisation.mean, normalisation.std = [mean], [std]
    step = metadata_schema.ProcessUnitT()
    step.optionsType, step.options = metadata_schema.ProcessUnitOptions.NormalizationOptions, normalisation
    colours = metadata_schema.ImagePropertiesT()
    colours.colorSpace = metadata_schema.ColorSpaceType.RGB
    content = metadata_schema.ContentT()
    content.contentPropertiesType = metadata_schema.ContentProperties.ImageProperties
    content.contentProperties = colours
    image = metadata_schema.TensorMetadataT()
    image.name, image.content, image.processUnits = "image", content, [step]
    subgraph = metadata_schema.SubGraphMetadataT()
    subgraph.inputTensorMetadata = [image]
    subgraph.outputTensorMetadata = [metadata_schema.TensorMetadataT() for _ in range(outputs)]
    model = metadata_schema.ModelMetadataT()
    model.subgraphMetadata = [subgraph]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), _METADATA_IDENTIFIER)
    return bytes(builder.Output())
