"""Asks a running `darkroom serve` by published clients, as their own documentation does.

    SERVICE=http://127.0.0.1:7860 DARKROOM_TOKEN=… python clients.py
"""

import base64
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import openai
import webuiapi
from PIL import Image

SERVICE = os.environ["SERVICE"]
TOKEN = os.environ["DARKROOM_TOKEN"]


def picture(data):
    image = Image.open(io.BytesIO(base64.b64decode(data.b64_json)))
    image.load()
    return image


def by_openai():
    client = openai.OpenAI(base_url=f"{SERVICE}/v1", api_key=TOKEN, max_retries=0)
    names = [model.id for model in client.models.list()]
    made = client.images.generate(
        model=names[0], prompt="a red cat", n=2, size="64x64", extra_body={"seed": 3, "steps": 4}
    )
    first, second = map(picture, made.data)
    assert first.size == (64, 64) and first.tobytes() != second.tobytes()
    assert '"seed":"3"' in first.text["darkroom"].replace(" ", ""), first.text["darkroom"]

    # The left half is transparent: only that is made anew.
    mask = first.convert("RGBA")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    files = {}
    for name, image in {"image": first, "mask": mask}.items():
        files[name] = io.BytesIO()
        image.save(files[name], "png")
        files[name].seek(0)
        files[name].name = f"{name}.png"
    edited = client.images.edit(
        **files, prompt="a blue cat", size="64x64", extra_body={"seed": 5, "mask_blur": 0}
    )
    edited = picture(edited.data[0]).convert("RGB")
    kept = (40, 0, 64, 64)
    assert edited.crop(kept).tobytes() == first.convert("RGB").crop(kept).tobytes()
    assert edited.tobytes() != first.convert("RGB").tobytes()

    try:
        client.images.generate(prompt="a", size="64x64", extra_body={"steps": "many"})
    except openai.BadRequestError as error:
        assert error.param == "steps", error
    else:
        raise AssertionError("a wrong field is refused")
    try:
        openai.OpenAI(base_url=f"{SERVICE}/v1", api_key="wrong", max_retries=0).models.list()
    except openai.AuthenticationError:
        pass
    else:
        raise AssertionError("a wrong token is refused")
    print(f"openai {openai.__version__}: images, an edit, faults")


def by_webuiapi():
    place = urlsplit(SERVICE)
    api = webuiapi.WebUIApi(host=place.hostname, port=place.port)
    api.set_auth("anybody", TOKEN)
    assert "sd_model_checkpoint" in api.get_options()
    samplers = [one["name"] for one in api.get_samplers()]
    assert "Euler a" in samplers and api.get_schedulers() and api.get_sd_models()
    asked = {"prompt": "a red cat", "seed": 3, "steps": 4, "cfg_scale": 7}
    made = api.txt2img(**asked, width=64, height=64, sampler_name="Euler a")
    assert made.image.size == (64, 64) and made.info["all_seeds"] == [3]
    again = api.img2img(images=[made.image], **asked, width=64, height=64, denoising_strength=0.5)
    assert again.image.size == (64, 64) and again.image.tobytes() != made.image.tobytes()
    assert "a red cat" in api.png_info(made.image).info
    assert api.get_progress()["progress"] == 0 and api.interrupt() is not None
    # An interrupted picture is what the model had made of it.
    with ThreadPoolExecutor() as pool:
        whole = pool.submit(api.txt2img, prompt="a cat", steps=500, width=64, height=64)
        while not api.get_progress()["progress"]:
            time.sleep(0.01)
        api.interrupt()
        assert "Ended early" in api.png_info(whole.result().image).info
    print("webuiapi: options, lists, txt2img, img2img, png-info, progress, interrupt")


by_openai()
by_webuiapi()
