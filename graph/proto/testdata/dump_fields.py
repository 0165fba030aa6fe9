#!/usr/bin/env python3
"""Prints messages and enums of the TensorFlow that is installed, for tensorflow_fields.txt.

    cut -d' ' -f1 tensorflow_fields.txt | sort -u >names
    for tf in TF1_INTERPRETER TF2_INTERPRETER; do $tf dump_fields.py <names; done | sort -u

The file holds the union of both versions, each message by ascending numbers.
"""

import importlib
import os
import sys

import tensorflow
from google.protobuf import descriptor_pb2, descriptor_pool

TYPES = {value: name[5:].lower() for name, value in descriptor_pb2.FieldDescriptorProto.Type.items()}
FOLDERS = ("core/framework", "core/lib/core", "core/protobuf", "core/util", "python/training", "tsl/protobuf")


def load_all():
  """Imports all generated modules, so that the pool knows their messages."""
  root = os.path.dirname(tensorflow.__file__)
  for folder in FOLDERS:
    path = os.path.join(root, folder)
    for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
      if name.endswith("_pb2.py"):
        try:
          importlib.import_module("tensorflow.{}.{}".format(folder.replace("/", "."), name[:-3]))
        except ImportError as error:
          print(name, error, file=sys.stderr)


def type_name(field):
  if field.message_type:
    return field.message_type.full_name
  return field.enum_type.full_name if field.enum_type else TYPES[field.type]


def describe(field):
  """Type and cardinality."""
  if field.message_type and field.message_type.GetOptions().map_entry:
    entry = field.message_type.fields_by_name
    return "map<{},{}> map".format(type_name(entry["key"]), type_name(entry["value"]))
  if field.containing_oneof:
    return "{} oneof:{}".format(type_name(field), field.containing_oneof.name)
  # Later versions of protobuf say is_repeated instead of label.
  repeated = field.label == field.LABEL_REPEATED if hasattr(field, "label") else field.is_repeated
  return "{} {}".format(type_name(field), "repeated" if repeated else "one")


def main():
  load_all()
  pool = descriptor_pool.Default()
  for name in sys.stdin.read().split():
    try:
      message = pool.FindMessageTypeByName(name)
      print(name, "message")
      for field in message.fields:
        print(name, field.number, field.name, describe(field))
    except KeyError:
      try:
        for value in pool.FindEnumTypeByName(name).values:
          print(name, value.number, value.name)
      except KeyError:
        print("not in this version:", name, file=sys.stderr)


if __name__ == "__main__":
  main()
