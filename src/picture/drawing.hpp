#pragma once

#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <utility>

#include "xai/core/patch_grid.hpp"

namespace xai::drawing {

// What the pictures of all tools are drawn with: CV_8UC3 canvases in RGB order, measures in their pixels.

constexpr int margin = 28;
constexpr int gap = 14;
constexpr int title_height = 66;    ///< of title and subtitle, below the margin
constexpr int caption_height = 34;  ///< below a tile
constexpr int smallest_tile = 224;
constexpr int largest_tile = 384;

const cv::Scalar paper(255, 255, 255);
const cv::Scalar ink(32, 33, 38);
const cv::Scalar faded_ink(112, 114, 122);
const cv::Scalar rule_color(222, 223, 227);

struct Font {
  int capital_height;
  cv::Scalar color;
  bool bold = false;
};
const Font title_font{17, ink, true};
const Font text_font{11, faded_ink};
const Font caption_font{11, ink};
const Font sentence_font{13, ink};

/// One line of text in OpenCV's built-in strokes, drawn four times as large and averaged down, which looks
/// like set type. The strokes are ASCII; other characters show as question marks.
class Text {
 public:
  Text(const std::string& text, const Font& font);

  int width() const { return coverage_.cols; }

  /// Draws with the base line at `at`.y, from `at`.x on; what lies outside the canvas is cut off.
  void draw(cv::Mat& canvas, cv::Point at) const;

 private:
  cv::Scalar color_;
  int base_line_;
  cv::Mat coverage_;
};

/// Draws one line of text, shortened to fit `width`; returns the width that it took.
int draw_line(cv::Mat& canvas, cv::Point at, std::string text, const Font& font, int width);

/// Draws text in lines of at most `width`, broken between words.
void draw_paragraph(cv::Mat& canvas, cv::Point at, const std::string& text, const Font& font, int width);

/// The lines at the foot of a picture that say what its parts are, of at most `width`.
class Legend {
 public:
  Legend(std::string text, int width) : text_(std::move(text)), width_(width) {}

  /// What a canvas needs for it.
  int height() const;
  /// At the foot of a canvas, above its margin.
  void draw(cv::Mat& canvas) const;

 private:
  std::string text_;
  int width_;
};

/// The first line of every picture: what it is of, and the image's name.
void draw_title(cv::Mat& canvas, const std::string& subject, const std::string& image, int width);

/// "93 %"; one decimal below 10 % and from 99 % to 100 %, so that only all is "100 %" and only nothing "0 %".
std::string percent(double share);

/// "0.93": as many decimals as asked for.
std::string number(double value, int decimals);

/// Throws Error unless it is an 8-bit RGB picture that is not empty.
void check_photograph(const cv::Mat& photograph);

cv::Mat scaled(const cv::Mat& picture, cv::Size size);

/// A H x W picture of g x g cells (CV_32F), interpolated as masks are (SPEC 3).
cv::Mat upsampled(const cv::Mat& cells, cv::Size size, MaskKind kind);

/// A map of size x size cells in the colours of viridis (from its smallest to its largest value) over the
/// photograph in grey. Throws Error unless the map has so many values.
cv::Mat overlay(const cv::Mat& photograph, std::span<const float> map, int size);

/// The ground of what is hidden of a photograph.
cv::Mat blurred_and_dimmed(const cv::Mat& photograph);

/// The photograph where the mask (g x g cells, interpolated) is 1, the ground where it is 0.
cv::Mat revealed(const cv::Mat& photograph, const cv::Mat& ground, const cv::Mat& cells, MaskKind kind);

/// The size of a tile that shows a photograph: the photograph's own where that is neither too small to see
/// nor too large to show.
cv::Size tile_size(cv::Size photograph);

}  // namespace xai::drawing
