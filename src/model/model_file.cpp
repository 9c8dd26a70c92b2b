#include "model_file.hpp"

#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <string_view>
#include <vector>

namespace xai {
namespace {

const std::string export_model = "; export the model with xai-export";
const std::string weights = "holds weights alone (a checkpoint or state dict), not a network";
const std::string export_weights = "; export it with xai-export ARCHITECTURE --checkpoint FILE";
const std::string pickled = "is a pickled Python module (torch.save of the network itself)";
const std::string export_module =
    "; in Python, load it and save torch.jit.trace(model.eval(), example), or use "
    "xai-export --module PACKAGE.MODULE:FUNCTION";

std::string beginning(const std::filesystem::path& file) {
  std::string bytes(1 << 16, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

/// A pickle that names a class of networks is a whole module; one of tensors and dictionaries is weights.
std::string what_a_pickle_is(std::string_view pickle) {
  const bool module =
      pickle.find("torch.nn.modules") != pickle.npos || pickle.find("_modules") != pickle.npos;
  return module ? pickled + export_module : weights + export_weights;
}

std::string what_an_archive_is(const std::filesystem::path& file) {
  try {
    caffe2::serialize::PyTorchStreamReader archive(file.string());
    const std::vector<std::string> entries = archive.getAllRecords();
    const auto has = [&](auto matches) { return std::any_of(entries.begin(), entries.end(), matches); };
    if (has([](const std::string& entry) {
          return entry.starts_with("models/") || entry == "serialized_exported_program.json" ||
                 entry == "archive_format";
        }))
      return "is an exported program (.pt2), not TorchScript" + export_model;
    if (has([](const std::string& entry) { return entry.starts_with("code/"); })) return "";
    if (!archive.hasRecord("data.pkl")) return "is a ZIP archive without a network in it" + export_model;
    const auto [data, size] = archive.getRecord("data.pkl");
    return what_a_pickle_is({static_cast<const char*>(data.get()), size});
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    if (text.find("not in a subdirectory") != text.npos || text.find("hasRecord(\"version\")") != text.npos)
      return "is a ZIP archive without a network in it" + export_model;
    return "is an archive that is damaged or cut short; copy or export it again";
  }
}

}  // namespace

std::string what_else_it_is(const std::filesystem::path& file) {
  const std::string start = beginning(file);
  const auto starts = [&](std::string_view mark) { return start.starts_with(mark); };
  const auto holds = [&](std::string_view mark) { return start.find(mark) != start.npos; };
  if (start.empty()) return "is empty; copy or export it again";
  if (starts("PK\x03\x04")) return what_an_archive_is(file);
  if (starts("version https://git-lfs"))
    return "is a Git LFS pointer, not the file itself; fetch it with git lfs pull";
  if (starts("<")) return "is a web page or XML, not a model; download it again";
  if (starts("\x80")) return what_a_pickle_is(start);  // torch.save before 1.6
  if (starts("\x89HDF")) return "is an HDF5 file (Keras), not TorchScript" + export_model;
  if (start.size() > 9 && start[8] == '{')
    return "holds weights alone (safetensors), not a network" + export_weights;
  if (file.extension() == ".onnx" ||
      (starts("\x08") && (holds("pytorch") || holds("onnx") || holds("tf2onnx"))))
    return "is an ONNX model, not TorchScript" + export_model;
  return "is not a TorchScript file" + export_model;
}

}  // namespace xai
