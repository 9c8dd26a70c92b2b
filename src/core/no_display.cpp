// OpenCV's core can hand images to OpenGL, and asks GLX for that. Nothing here does: these answer that there
// is no display, so that X11 need not be there. The linker takes this file only beside OpenCV's static
// archive.
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
