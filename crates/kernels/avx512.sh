#!/bin/sh
# Runs the tests of crates/kernels on an emulated processor with AVX-512, for machines that have none.
#
#     path/to/run.sh FOLDER
#
# from the root of a checkout. FOLDER is made and holds the build, the virtual machine and what it says (serial.txt).
# Needs Rust and, from Debian,
#
#     apt-get install --no-install-recommends bochs bochs-term busybox-static cpio isolinux syslinux-common xorriso
#
# A Linux kernel is downloaded by apt-get and unpacked in FOLDER, not installed. Nothing needs root.
# Bochs starts a Linux whose only program runs the tests: about ten minutes of one core. It ends with 0 if all pass.
set -eu

[ $# = 1 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
model=${BOCHS_MODEL:-corei7_skylake_x} # others: bochs --help cpu

# The program of the tests.
tests=$(CARGO_TARGET_DIR="$folder/target" cargo test --locked -p hnas-kernels --release --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/definitions-[^"]*\)".*/\1/p')

# A kernel.
kernel=$(find "$folder/kernel/boot" -name 'vmlinuz-*' 2>/dev/null | head -n 1)
if [ -z "$kernel" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
    (cd "$folder" && apt-get download "$package" && dpkg -x "$package"_*.deb kernel)
    kernel=$(find "$folder/kernel/boot" -name 'vmlinuz-*' | head -n 1)
fi

# The first and only file system: busybox, the tests and the libraries they are linked with.
root=$folder/root
rm -rf "$root" "$folder/iso" "$folder/serial.txt"
mkdir -p "$root/bin" "$root/proc" "$root/dev" "$folder/iso"
cp "$(command -v busybox)" "$root/bin/busybox"
strip -o "$root/tests" "$tests"
ldd "$tests" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
cat > "$root/init" <<'END'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
grep -m 1 'model name' /proc/cpuinfo
echo "flags: $(grep -m 1 flags /proc/cpuinfo | tr ' ' '\n' | grep -E '^(avx|fma)' | tr '\n' ' ')"
run() {
    echo "== $1"
    /tests $2 --test-threads=1 2>&1 && echo "== $1: passed" || echo "== $1: FAILED"
}
run definitions '--skip processors:: --skip cross_entropy_equals' # the loss is plain loops, and slow here
run 'AVX2 and AVX-512 bit for bit' processors::registers_do_not_change_a_bit
echo '== end'
sleep 1 # the serial line is slower than the power button
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1 > "$folder/iso/root.gz")

# A disc to boot from. Linux turns AVX off where XSAVEC's sizes are wrong, as Bochs 2.7's are, so it may not use that.
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$folder/iso"
cp "$kernel" "$folder/iso/linux"
cat > "$folder/iso/isolinux.cfg" <<'END'
DEFAULT tests
LABEL tests
    LINUX linux
    INITRD root.gz
    APPEND console=ttyS0 quiet nokaslr mitigations=off random.trust_cpu=on panic=-1 clearcpuid=xsavec,xsaves
END
xorriso -as mkisofs -quiet -o "$folder/tests.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
    -boot-info-table "$folder/iso"

# The machine. Its clock follows its instructions, so nothing in it depends on how fast this computer is.
cat > "$folder/bochsrc" <<END
config_interface: textconfig
display_library: term
cpu: model=$model, ips=20000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1
ata0-master: type=cdrom, path="$folder/tests.iso", status=inserted
boot: cdrom
clock: sync=none
com1: enabled=1, mode=file, dev="$folder/serial.txt"
log: "$folder/bochs.txt"
panic: action=fatal
END
echo "The tests run: tail -f $folder/serial.txt"
# Debian's Bochs stops in its debugger first, and its status says nothing.
printf 'continue\nquit\n' > "$folder/debugger"
TERM=vt100 bochs -f "$folder/bochsrc" -rc "$folder/debugger" < /dev/null > "$folder/console.txt" 2>&1 || true

tr -d '\r' < "$folder/serial.txt" | grep -E '^(==|flags|model name|test)'
grep -q '^flags: .*avx512f' "$folder/serial.txt"
grep -q '^== end' "$folder/serial.txt"
if grep -q FAILED "$folder/serial.txt"; then exit 1; fi
