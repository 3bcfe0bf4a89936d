# Compiles for Windows on any system, with Zig (PyPI's ziglang): Clang, a linker, libc++ and Windows' import libraries
# in one package. Programs run under Wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER python-zig c++ -target x86_64-windows-gnu -fno-sanitize=undefined)
set(CMAKE_RC_COMPILER python-zig)  # there are no resources, but CMake asks for a compiler of them
set(CMAKE_CXX_STANDARD_LIBRARIES "")  # kernel32 is Zig's default; nothing needs the desktop's libraries
set(CMAKE_CROSSCOMPILING_EMULATOR wine)
