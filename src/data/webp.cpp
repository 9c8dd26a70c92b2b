#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <opencv2/core.hpp>

#include "decoders.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

/// The first frame of a WebP in memory; one that does not move is a frame of the canvas' size.
class WebpReader {
 public:
  explicit WebpReader(Bytes file) {
    const WebPData data{file.data(), file.size()};
    demuxer_.reset(WebPDemux(&data));  // null also where a later frame is cut short
    require<BadImage>(demuxer_ && WebPDemuxGetFrame(demuxer_.get(), 1, &frame_),
                      "a truncated or damaged WebP, or of a kind that is not read");
  }
  ~WebpReader() { WebPDemuxReleaseIterator(&frame_); }
  WebpReader(const WebpReader&) = delete;
  WebpReader& operator=(const WebpReader&) = delete;

  long width() const { return WebPDemuxGetI(demuxer_.get(), WEBP_FF_CANVAS_WIDTH); }
  long height() const { return WebPDemuxGetI(demuxer_.get(), WEBP_FF_CANVAS_HEIGHT); }

  /// Where the frame lies on the canvas.
  cv::Rect place() const { return {frame_.x_offset, frame_.y_offset, frame_.width, frame_.height}; }

  /// Decodes the frame into `pixels`, of its size.
  void read_pixels(cv::Mat pixels) const {
    WebPDecoderConfig config;
    WebPInitDecoderConfig(&config);
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    const std::size_t size =
        (static_cast<std::size_t>(pixels.rows) - 1) * pixels.step + static_cast<std::size_t>(pixels.cols) * 3;
    config.output.u.RGBA = {pixels.data, static_cast<int>(pixels.step), size};
    const auto status = WebPDecode(frame_.fragment.bytes, frame_.fragment.size, &config);
    require<BadImage>(status == VP8_STATUS_OK, "a truncated or damaged WebP (", reason(status), ")");
  }

 private:
  static const char* reason(VP8StatusCode status) {
    switch (status) {
      case VP8_STATUS_NOT_ENOUGH_DATA:
      case VP8_STATUS_SUSPENDED:
        return "its pixels end too early";
      case VP8_STATUS_OUT_OF_MEMORY:
        return "out of memory";
      default:
        return "its pixels cannot be decoded";
    }
  }

  struct Delete {
    void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
  };
  std::unique_ptr<WebPDemuxer, Delete> demuxer_;
  WebPIterator frame_{};
};

}  // namespace

cv::Mat decode_webp(Bytes file, long max_pixels) {
  const WebpReader webp(file);
  check_size(webp.width(), webp.height(), max_pixels);
  cv::Mat rgb(static_cast<int>(webp.height()), static_cast<int>(webp.width()), CV_8UC3, cv::Scalar::all(0));
  webp.read_pixels(rgb(webp.place()));  // as PIL: what it does not cover is black
  return rgb;
}

}  // namespace xai::internal
