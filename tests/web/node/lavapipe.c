// A Vulkan driver that stands before Mesa's lavapipe and says two things more of it than it does.
//
// Dawn opens no adapter that cannot index arrays of images by a number known only at run time.
// Mesa's lavapipe before release 23 cannot, and Debian 12 has release 22; nothing that we run has an
// image. So this driver answers yes when it is asked for these two features, takes them out again
// when a device is made, and hands on everything else as it is.

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*GetProc)(void *instance, const char *name);

// The places in VkPhysicalDeviceFeatures, a struct of 55 words, and where it begins in
// VkPhysicalDeviceFeatures2, after that struct's type and chain.
enum { SAMPLED_IMAGE = 34, STORAGE_IMAGE = 36, WORDS = 55, FEATURES_2 = 1000059000 };

typedef struct { int32_t type; void *next; uint32_t words[WORDS]; } Features2;

// VkDeviceCreateInfo.
typedef struct {
    int32_t type; const void *next; uint32_t flags, queue_count; const void *queues;
    uint32_t layer_count; const void *layers; uint32_t extension_count; const void *extensions;
    const uint32_t *features;
} DeviceInfo;

static GetProc next_proc, next_physical_proc;
static void (*next_features)(void *, uint32_t *);
static void (*next_features_2)(void *, Features2 *);
static int32_t (*next_create_device)(void *, const DeviceInfo *, const void *, void *);

static void set(uint32_t *words, uint32_t value) {
    words[SAMPLED_IMAGE] = words[STORAGE_IMAGE] = value;
}

static void features(void *device, uint32_t *words) {
    next_features(device, words);
    set(words, 1);
}

static void features_2(void *device, Features2 *asked) {
    next_features_2(device, asked);
    set(asked->words, 1);
}

static int32_t create_device(void *device, const DeviceInfo *info, const void *allocator, void *out) {
    DeviceInfo changed = *info;
    uint32_t words[WORDS];
    if (info->features) {
        memcpy(words, info->features, sizeof words);
        set(words, 0);
        changed.features = words;
    }
    // The features may be in the chain instead; its first two fields are always type and next.
    for (const Features2 *link = info->next; link; link = link->next)
        if (link->type == FEATURES_2) set(((Features2 *)link)->words, 0);
    return next_create_device(device, &changed, allocator, out);
}

static Function replace(const char *name, Function found) {
    if (!found) return found;
    if (!strcmp(name, "vkGetPhysicalDeviceFeatures")) {
        next_features = (void (*)(void *, uint32_t *))found;
        return (Function)features;
    }
    if (!strncmp(name, "vkGetPhysicalDeviceFeatures2", 28)) {
        next_features_2 = (void (*)(void *, Features2 *))found;
        return (Function)features_2;
    }
    if (!strcmp(name, "vkCreateDevice")) {
        next_create_device = (int32_t (*)(void *, const DeviceInfo *, const void *, void *))found;
        return (Function)create_device;
    }
    return found;
}

static void *lavapipe(void) {
    static void *library;
    if (!library) library = dlopen(getenv("LAVAPIPE"), RTLD_NOW | RTLD_LOCAL);
    return library;
}

int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
    int32_t (*next)(uint32_t *) =
        (int32_t (*)(uint32_t *))dlsym(lavapipe(), "vk_icdNegotiateLoaderICDInterfaceVersion");
    return next(version);
}

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
    if (!next_proc) next_proc = (GetProc)dlsym(lavapipe(), "vk_icdGetInstanceProcAddr");
    return replace(name, next_proc(instance, name));
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
    if (!next_physical_proc)
        next_physical_proc = (GetProc)dlsym(lavapipe(), "vk_icdGetPhysicalDeviceProcAddr");
    return replace(name, next_physical_proc(instance, name));
}
