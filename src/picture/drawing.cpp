#include "drawing.hpp"

#include <algorithm>
#include <cstdio>
#include <opencv2/imgproc.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "xai/core/error.hpp"

namespace xai::drawing {
namespace {

constexpr int oversampling = 4;
constexpr int face = cv::FONT_HERSHEY_SIMPLEX;

int line_height(const Font& font) {
  return 2 * font.capital_height;
}

/// Broken between words.
std::vector<std::string> lines_of(const std::string& text, const Font& font, int width) {
  std::istringstream stream(text);
  std::vector<std::string> lines(1);
  for (std::string word; stream >> word;) {
    std::string& line = lines.back();
    const std::string longer = line.empty() ? word : cat(line, " ", word);
    if (line.empty() || Text(longer, font).width() <= width)
      line = longer;
    else
      lines.push_back(word);
  }
  return lines;
}

}  // namespace

Text::Text(const std::string& text, const Font& font) : color_(font.color) {
  const double scale = oversampling * font.capital_height / 21.0;  // a capital has 21 units
  const int stroke = cvRound(scale * (font.bold ? 2.6 : 1.5));
  const int space = cvRound(9 * scale);  // the built-in one, 16 units, tears lines apart
  const auto width = [&](const std::string& word) {
    return cv::getTextSize(word, face, scale, stroke, nullptr).width;
  };
  std::vector<std::pair<std::string, int>> words;  // and where they begin
  int x = 0;
  std::istringstream stream(text);
  for (std::string word; stream >> word; x += width(word) + space) words.emplace_back(word, x);

  const int height = 2 * font.capital_height;
  cv::Mat large =
      cv::Mat::zeros(height * oversampling, ((x + stroke) / oversampling + 1) * oversampling, CV_8U);
  base_line_ = font.capital_height + font.capital_height / 2;
  for (const auto& [word, begin] : words)
    cv::putText(large, word, {begin + stroke / 2, base_line_ * oversampling}, face, scale, 255, stroke,
                cv::LINE_AA);
  cv::resize(large, coverage_, {}, 1.0 / oversampling, 1.0 / oversampling, cv::INTER_AREA);
}

void Text::draw(cv::Mat& canvas, cv::Point at) const {
  const cv::Rect whole({at.x, at.y - base_line_}, coverage_.size());
  const cv::Rect inside = whole & cv::Rect({}, canvas.size());
  cv::Mat target = canvas(inside);
  const cv::Mat solid(target.size(), target.type(), color_);
  cv::Mat weight;
  coverage_(inside - whole.tl()).convertTo(weight, CV_32F, 1 / 255.0);
  cv::blendLinear(solid, target, weight, 1 - weight, target);
}

int draw_line(cv::Mat& canvas, cv::Point at, std::string text, const Font& font, int width) {
  Text line(text, font);
  while (line.width() > width && text.size() > 4) {
    const std::size_t fitting = std::min(text.size() - 1, text.size() * width / line.width());
    text = text.substr(0, fitting > 3 ? fitting - 3 : 0) + "...";
    line = Text(text, font);
  }
  line.draw(canvas, at);
  return line.width();
}

void draw_paragraph(cv::Mat& canvas, cv::Point at, const std::string& text, const Font& font, int width) {
  for (const std::string& line : lines_of(text, font, width)) {
    draw_line(canvas, at, line, font, width);
    at.y += line_height(font);
  }
}

int Legend::height() const {
  return gap + static_cast<int>(lines_of(text_, text_font, width_).size()) * line_height(text_font);
}

void Legend::draw(cv::Mat& canvas) const {
  const cv::Point first(margin, canvas.rows - margin - height() + gap + text_font.capital_height);
  draw_paragraph(canvas, first, text_, text_font, width_);
}

void draw_title(cv::Mat& canvas, const std::string& subject, const std::string& image, int width) {
  const int base_line = margin + 18;
  const int taken = draw_line(canvas, {margin, base_line}, subject, title_font, width);
  const int left = width - taken - gap;
  if (left > 60) draw_line(canvas, {margin + taken + gap, base_line}, image, text_font, left);
}

std::string percent(double share) {
  const double points = 100 * share;
  if (points > 0 && points < 0.1) return "below 0.1 %";
  const bool fine = points < 10 || (points > 99 && points < 100);
  char text[16];
  std::snprintf(text, sizeof text, fine && points > 0 ? "%.1f %%" : "%.0f %%",
                fine ? std::min(points, 99.9) : points);
  return text;
}

std::string number(double value, int decimals) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

void check_photograph(const cv::Mat& photograph) {
  require<Error>(photograph.type() == CV_8UC3 && !photograph.empty(),
                 "a picture needs an 8-bit RGB photograph; convert it first");
}

cv::Mat scaled(const cv::Mat& picture, cv::Size size) {
  if (picture.size() == size) return picture.clone();
  cv::Mat result;
  cv::resize(picture, result, size, 0, 0,
             size.area() < picture.size().area() ? cv::INTER_AREA : cv::INTER_CUBIC);
  return result;
}

cv::Mat upsampled(const cv::Mat& cells, cv::Size size, MaskKind kind) {
  auto vertical = interpolation_matrix(size.height, cells.rows, kind);
  auto horizontal = interpolation_matrix(size.width, cells.cols, kind);
  const cv::Mat a_h(size.height, cells.rows, CV_32F, vertical.data());
  const cv::Mat a_w(size.width, cells.cols, CV_32F, horizontal.data());
  return a_h * cells * a_w.t();
}

cv::Mat overlay(const cv::Mat& photograph, std::span<const float> map, int size) {
  require<Error>(map.size() == static_cast<std::size_t>(size) * size, "a map of ", size, " x ", size,
                 " cells does not have ", map.size());
  cv::Mat cells(size, size, CV_32F);
  std::copy(map.begin(), map.end(), cells.begin<float>());
  double least = 0, most = 0;
  cv::minMaxLoc(cells, &least, &most);
  const double scale = most > least ? 255 / (most - least) : 0;
  cv::Mat importance, colors, grey;
  upsampled(cells, photograph.size(), MaskKind::soft).convertTo(importance, CV_8U, scale, -least * scale);
  cv::applyColorMap(importance, colors, cv::COLORMAP_VIRIDIS);
  cv::cvtColor(colors, colors, cv::COLOR_BGR2RGB);
  cv::cvtColor(photograph, grey, cv::COLOR_RGB2GRAY);
  cv::cvtColor(grey, grey, cv::COLOR_GRAY2RGB);
  cv::addWeighted(colors, 0.6, grey, 0.4, 0, colors);
  return colors;
}

cv::Mat blurred_and_dimmed(const cv::Mat& photograph) {
  cv::Mat ground, grey;
  cv::GaussianBlur(photograph, ground, {}, photograph.rows / 28.0);
  cv::cvtColor(ground, grey, cv::COLOR_RGB2GRAY);
  cv::cvtColor(grey, grey, cv::COLOR_GRAY2RGB);
  cv::addWeighted(ground, 0.18, grey, 0.22, 8, ground);
  return ground;
}

cv::Mat revealed(const cv::Mat& photograph, const cv::Mat& ground, const cv::Mat& cells, MaskKind kind) {
  const cv::Mat visible = upsampled(cells, photograph.size(), kind);
  const cv::Mat hidden = 1 - visible;
  cv::Mat composed;
  cv::blendLinear(photograph, ground, visible, hidden, composed);
  return composed;
}

cv::Size tile_size(cv::Size photograph) {
  const double height = photograph.height;
  const double scale = std::clamp(1.0, smallest_tile / height, largest_tile / height);
  return {cvRound(scale * photograph.width), cvRound(scale * photograph.height)};
}

}  // namespace xai::drawing
