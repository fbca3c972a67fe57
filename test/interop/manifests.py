"""Checks manifests by their published schemas: `manifests.py kubernetes FOLDER` or `manifests.py envoy`, YAML on stdin.

Objects of Kubernetes itself go by kubernetes-validate, others by the CRDs of FOLDER, both strictly: a field that is not
defined is a fault. A bootstrap of Envoy is read into its protobuf messages, and so is each typed_config. Prints what was
checked as JSON; a fault ends it with code 1.
"""

import importlib
import json
import pathlib
import sys

import yaml


def strict(schema):
    """OpenAPI as a CRD has it, as JSON Schema that refuses fields which are not defined."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # What `properties` maps are names, not keywords.
    made = {
        key: {name: strict(each) for name, each in value.items()} if key == "properties" else strict(value)
        for key, value in schema.items()
        if key not in ("format", "description") and not key.startswith("x-kubernetes")
    }
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    free = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if "properties" in schema and not free and schema.get("type") == "object":
        made["additionalProperties"] = False
    return made


def definitions(folder):
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text()):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            for version in spec["versions"]:
                key = f"{spec['group']}/{version['name']} {spec['names']['kind']}"
                found[key] = version["schema"]["openAPIV3Schema"]
    return found


def kubernetes(folder, objects):
    import jsonschema
    import kubernetes_validate

    crds = definitions(folder)
    checked = []
    for each in objects:
        key = f"{each['apiVersion']} {each['kind']}"
        if key in crds:
            schema = strict(crds[key])
            # Every object has these, whether its definition says so or not.
            schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
            jsonschema.validate(each, schema)
        elif "." in each["apiVersion"].split("/")[0]:
            sys.exit(f"no definition of {key} in {folder}")
        else:
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
        checked.append(key)
    return checked


def envoy(objects):
    from envoy_data_plane.envoy.config.bootstrap.v3 import Bootstrap

    checked = []

    def without_typed(value):
        """Typed configurations are messages of their own."""
        if isinstance(value, list):
            return [without_typed(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "@type" in value:
            name = value["@type"].removeprefix("type.googleapis.com/")
            package, message = name.rsplit(".", 1)
            made = getattr(importlib.import_module(f"envoy_data_plane.{package}"), message)
            made.from_dict({key: without_typed(each) for key, each in value.items() if key != "@type"})
            checked.append(name)
            return None
        if "typed_config" in value:
            without_typed(value["typed_config"])
        return {key: without_typed(each) for key, each in value.items() if key != "typed_config"}

    for each in objects:
        Bootstrap.from_dict(without_typed(each))
        checked.append("envoy.config.bootstrap.v3.Bootstrap")
    return checked


objects = [each for each in yaml.safe_load_all(sys.stdin) if each]
print(json.dumps(kubernetes(sys.argv[2], objects) if sys.argv[1] == "kubernetes" else envoy(objects)))
