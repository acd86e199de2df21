# How CMake compiles for Arm on another processor: with Debian's cross compiler, against the Python
# that aarch64_sysroot has unpacked into $ENV{ARM_ROOT}.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

file(GLOB include $ENV{ARM_ROOT}/usr/include/python3.*)
set(Python_INCLUDE_DIR ${include} CACHE PATH "" FORCE)
include_directories(SYSTEM $ENV{ARM_ROOT}/usr/include) # Debian's pyconfig.h includes the one there

# The name of a module ends as that Python, not the one that runs the build, expects it.
string(REGEX REPLACE ".*/python3\\." "" minor ${include})
set(PYTHON_MODULE_EXTENSION .cpython-3${minor}-aarch64-linux-gnu.so CACHE STRING "" FORCE)
