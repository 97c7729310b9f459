"""Many models in one server: loaded, dropped, and what they share."""

import json
import urllib.parse

import pytest
from prodcat_server import Running

import prodcat
from prodcat.serving.loaded_models import Models
from prodcat.serving.loading import artifact_bytes


@pytest.mark.cpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8", "auto"])
def test_models_with_one_encoder_share_it(classifier, folder, tmp_path, precision):
    other = classifier.calibrate(prodcat.read_catalog(
        [{"title": "sut", "path": list(classifier.outcomes[0])}] * 30
    ), method="temperature")  # fmt: skip
    other.save(str(tmp_path / "other"))
    models = Models(device="cpu", precision=precision)
    first = models.load("tr", str(folder))
    second = models.load("de", str(tmp_path / "other"))
    assert second.classifier.network.encoder is first.classifier.network.encoder
    # In int8 each has ranges and so a form of its own; which one "auto" is depends on the machine.
    picked = first.classifier.pick_precision(precision)
    assert (second.fast.run_encoder is first.fast.run_encoder) == (picked != "int8")
    assert first.bytes == artifact_bytes(str(folder)) > 2 * classifier.encoder_memory
    whole = artifact_bytes(str(tmp_path / "other"))
    assert (
        second.bytes == whole and second.unshared_bytes == whole - 2 * classifier.encoder_memory > 0
    )
    assert models.bytes == first.bytes + second.unshared_bytes
    # Whoever goes, the encoder stays for the other one, and counts; who goes counts until then.
    models.drop("tr")
    assert models.bytes == second.bytes + first.unshared_bytes
    del first
    assert models.bytes == second.bytes
    models.drop("de")
    del second
    assert models.bytes == 0
    first, second = models.load("tr", str(folder)), models.load("de", str(tmp_path / "other"))
    titles = ["sut 1 l", "ekmek"]
    assert second.classifier.predict(titles) == prodcat.load(
        str(tmp_path / "other"), device="cpu"
    ).predict(titles)
    # Another encoder is not taken for the same.
    third = prodcat.load(str(folder), device="cpu")
    third.network.encoder.word_embeddings.weight.data[0, 0] += 1
    third.save(str(tmp_path / "third"))
    models.drop("de")
    del second
    third = models.load("nl", str(tmp_path / "third"))
    assert third.classifier.network.encoder is not first.classifier.network.encoder
    assert models.bytes == first.bytes + third.bytes


def test_many_models(folder, small, tmp_path, tmp_path_factory, titles, wanted):
    small.save(str(tmp_path / "small"))
    size = sum(path.stat().st_size for path in folder.iterdir()) >> 20
    root = tmp_path_factory.getbasetemp()
    own = Running("--many", "--models-root", root, "--memory", 2 * size + 30)
    try:

        def load(name, place):
            body = json.dumps({"model_name": name, "url": str(place)})
            return own.ask(body, path="/models")

        assert load("tr", folder).status_code == 200
        assert load("tr", folder).status_code == 409
        name = "a/b c?/invoke#ş"
        assert load(name, tmp_path / "small").status_code == 200
        place = f"/models/{urllib.parse.quote(name, safe='')}"
        assert own.client.get(place).json()["modelName"] == name
        assert own.ask(titles, path=f"{place}/invoke").status_code == 200
        assert own.client.delete(place).status_code == 200
        assert load("gone", tmp_path / "nothing").status_code == 404
        assert own.ask("{", path="/models").status_code == 400
        found = own.ask(titles, path="/models/tr/invoke").json()
        assert [one["id"] for one in found] == [best[0].node_id for best in wanted]
        assert own.ask(titles, path="/models/de/invoke").status_code == 404
        assert own.ask(titles).status_code == 404
        assert own.client.get("/models/tr").json() == {"modelName": "tr", "modelUrl": str(folder)}
        full = [load(f"m{number}", folder).status_code for number in range(12)]
        assert full[-1] == 507 and set(full) <= {200, 507}
        names = [one["modelName"] for one in own.client.get("/models").json()["models"]]
        assert "tr" in names and names == sorted(names)
        assert own.client.get("/models?limit=00").status_code == 400
        page = own.client.get("/models?limit=1").json()
        assert [one["modelName"] for one in page["models"]] == names[:1]
        if len(names) > 1:
            rest = own.client.get(f"/models?next_page_token={page['nextPageToken']}").json()
            assert [one["modelName"] for one in rest["models"]] == names[1:]
        assert own.client.delete("/models/tr").status_code == 200
        assert own.client.delete("/models/tr").status_code == 404
        assert own.ask(titles, path="/models/tr/invoke").status_code == 404
        assert load("tr", folder).status_code == 200
        assert own.ask(titles, path="/models/tr/invoke").status_code == 200
    finally:
        own.stop()
