"""Makes the files of this folder: one picture in every way that a file may hold it, and a development kit's `meta.mat` of four
classes, as ILSVRC-2012's is written. Needs Pillow, NumPy and SciPy.

The bytes are committed, so that no test needs this; it says what they are.
"""

import io
from pathlib import Path

import numpy
import scipy.io
from PIL import Image

HERE = Path(__file__).parent
rows, columns = numpy.mgrid[0:40, 0:56].astype(float)
picture = numpy.stack([40 + 3.5 * columns, 220 - 4 * rows, 60 + 60 * numpy.sin(columns / 9) + 2 * rows], axis=-1)
picture[8:20, 10:26] = [230, 40, 30]
picture = picture.clip(0, 255).round().astype(numpy.uint8)
rgb = Image.fromarray(picture)
most = picture.max(axis=-1).astype(float)
inks = [255 * (1 - picture[..., channel] / most) for channel in range(3)] + [255 - most]
inks = numpy.stack(inks, axis=-1).round().astype(numpy.uint8)


def jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95, **options)
    return stream.getvalue()


def write(name, data):
    (HERE / name).write_bytes(data)


rgb.save(HERE / "picture.png", optimize=True)
rgb.save(HERE / "png.JPEG", "PNG", optimize=True)
rgb.convert("RGBA").save(HERE / "alpha.png", optimize=True)
rgb.quantize(256).save(HERE / "palette.png", optimize=True)
Image.fromarray((numpy.asarray(rgb.convert("L")).astype(numpy.uint16)) * 257).save(HERE / "grey16.png", optimize=True)
baseline = jpeg(rgb)
write("baseline.jpg", baseline)
write("restarts.jpg", jpeg(rgb, restart_marker_rows=1, subsampling=0))
write("progressive.jpg", jpeg(rgb, progressive=True))
write("rgb.jpg", jpeg(rgb, keep_rgb=True))
write("grey.jpg", jpeg(rgb.convert("L")))
# Pillow writes the inks inverted, as Adobe does.
write("cmyk.jpg", jpeg(Image.frombytes("CMYK", rgb.size, inks.tobytes())))
# YCCK: inverted inks as luminance and differences. Pillow inverts what it writes, so it is given the inverse; the marker's last
# byte, 0 for CMYK, becomes 2.
ycc = numpy.asarray(Image.fromarray(inks[..., :3]).convert("YCbCr"))
stored = numpy.concatenate([ycc, 255 - inks[..., 3:]], axis=-1)
ycck = bytearray(jpeg(Image.frombytes("CMYK", rgb.size, (255 - stored).tobytes())))
at = ycck.index(b"Adobe") + 11
assert ycck[at] == 0
ycck[at] = 2
write("ycck.jpg", bytes(ycck))
turned = Image.Exif()
turned[0x0112] = 6
write("turned.jpg", jpeg(rgb, exif=turned))
write("one.jpg", jpeg(Image.new("RGB", (1, 1), (200, 100, 50))))
# Bytes that belong to nothing before the end of the image: libjpeg warns of them and reads on.
write("extraneous.jpg", baseline[:-2] + b"\x00\x00\x00\x00\x00\x00" + baseline[-2:])
write("trailing.jpg", baseline + b"more bytes after the end")

fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
synsets = numpy.empty((4, 1), dtype=[(field, object) for field in fields])
for row, (number, name) in enumerate([(1, "n03"), (2, "n01"), (3, "n02"), (4, "n04")]):
    values = [float(number), name, f"words of {name}", "a gloss", 0.0, numpy.zeros((1, 0)), 0.0, 1300.0]
    synsets[row, 0] = tuple(values)
scipy.io.savemat(HERE / "meta.mat", {"other": 1.0, "synsets": synsets}, do_compression=True)
scipy.io.savemat(HERE / "meta-plain.mat", {"other": 1.0, "synsets": synsets}, do_compression=False)
# Red, green and blue themselves, as Adobe's marker says: the numbers of the components say nothing.
plain = bytearray((HERE / "rgb.jpg").read_bytes())
frame, scan = plain.index(b"\xff\xc0"), plain.index(b"\xff\xda")
for channel in range(3):
    plain[frame + 10 + 3 * channel] = channel + 1
    plain[scan + 5 + 2 * channel] = channel + 1
write("adobe-rgb.jpg", bytes(plain))
