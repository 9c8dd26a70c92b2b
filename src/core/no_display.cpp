// OpenCV's core can hand images to OpenGL, and asks GLX for that. Nothing here does: these answer that there
// is no display, so that X11 need not be there. The linker takes this file only beside OpenCV's static
// archive, and the shared libraries of a program do not see it.
#pragma GCC visibility push(hidden)
extern "C" {
void* glXGetCurrentContext() {
  return nullptr;
}
void* glXGetCurrentDisplay() {
  return nullptr;
}
void (*glXGetProcAddressARB(const unsigned char*))() {
  return nullptr;
}
}
#pragma GCC visibility pop
